"""Training of the reader: data, mix, training, evaluation, compression. Not part of the installed product."""
