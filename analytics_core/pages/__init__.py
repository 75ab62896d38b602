"""What pages say of the rows: numbers, charts, sentences, files. Reads through `selectors` only."""
