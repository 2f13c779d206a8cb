"""How a summary is made and judged: pure functions, no network, no engine."""
