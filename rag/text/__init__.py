"""Text as it is compared, never as it is shown: folding, words, sentences, numbers, languages and names of Arabic and English."""
