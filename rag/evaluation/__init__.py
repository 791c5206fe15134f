"""Measuring answers: question sets, measures, runs that can be interrupted, reports, comparisons, ablations."""
