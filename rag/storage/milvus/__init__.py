"""Vectors and keywords in Milvus, kept in step with an index folder."""
