"""A second platform, as small as one can be: it proves that the engine and the pages name none.

Its instance is a dictionary, so that engine tests say exactly what the other side answers.
"""
