"""One module for each kind of file: bytes into text with marks and metadata. `rag.documents.load` is the door; nothing else calls these."""
