"""What operators watch: lines, figures and the roster, all read from the tables that the work itself is done in.

Nothing here is written anywhere, so nothing here can be lost, and a feed that is read again says the same.
"""
