"""Text for comparison, never for display: folding, words, sentences, numbers, languages and names of Arabic and English."""
