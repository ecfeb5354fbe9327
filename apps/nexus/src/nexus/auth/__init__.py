"""Who may do what: signing keys, access tokens, OAuth clients and the agents behind them. No web framework."""
