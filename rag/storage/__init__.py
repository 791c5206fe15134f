"""The index on disk: one SQLite database, the vector files derived from it, and everything that writes, checks or repairs them."""
