"""Whether a sentence is supported by evidence."""
