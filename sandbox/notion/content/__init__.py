"""What requests may hold, how it is kept and how answers show it: schemas, cells, text, blocks, files, filters."""
