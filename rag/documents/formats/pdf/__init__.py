"""PDF: from the characters of a page with their places to the tree of a document (`reader`)."""
