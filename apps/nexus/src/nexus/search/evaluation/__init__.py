"""How well history is found: a set of texts and questions of our own, and its measures."""
