"""Generation with llama.cpp: the engine, batching, the prompt cache and lookup decoding."""
