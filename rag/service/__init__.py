"""One way in for every caller: models opened in the background, a fair queue, and answers as streams of events."""
