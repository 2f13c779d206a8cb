"""The programs of `svp up`, each to be started alone, as in a container of its own."""
