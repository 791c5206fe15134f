"""Files into documents, and documents into passages."""
