"""From a fact that came in to the effects that it has: inbox, routing, deliveries. No vendor, no framework."""
