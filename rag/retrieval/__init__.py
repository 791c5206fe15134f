"""From a question to passages and evidence: hybrid search, fusion and late interaction."""
