"""A large installation under load: filled by the database itself, read by many while the hourly run is on."""
