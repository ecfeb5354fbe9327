"""Tools without a word of Oblivion in them."""
