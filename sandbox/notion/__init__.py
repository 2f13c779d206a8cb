"""A local stand-in for Notion: its API (2026-03-11), its OAuth pages, and a small web page for people.

Where things are: `server` puts the app together; one module per kind of thing (`pages`, `databases`,
`data_sources`, `blocks`, `comments`, `file_uploads`, `users`, `search`, `oauth`) holds its operations and its
routes; `columns` is the schema of a data source, `values` what stands in its cells, `filters` how rows are
chosen; `checks` describes request bodies; `session` is one caller's view of the `store`.
"""
