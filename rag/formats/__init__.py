"""One module for each kind of file: bytes into text with marks and metadata. `rag.load` is the door; nothing else calls these."""
