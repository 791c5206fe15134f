"""The mix of training cases: public question sets, real pages, claims."""
