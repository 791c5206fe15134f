"""PDF: from positioned characters to the tree of a document (`reader`)."""
