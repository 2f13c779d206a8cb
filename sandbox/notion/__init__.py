"""A local stand-in for Notion: its API (2026-03-11), its OAuth pages, and a small web page for people.

Where things are: `server` puts the app together. `endpoints/` has a module per kind of thing (`pages`, `databases`, …)
with its operations and its routes. `content/` describes what they hold: `columns` is the schema of a data source,
`values` what stands in its cells, `filters` how rows are chosen. In `state/`, `session` is one caller's view of the
`store`. `checks` describes request bodies. `web` and `view` are the pages for people.
"""
