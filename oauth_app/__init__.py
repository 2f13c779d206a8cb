"""The app that people see: connect Notion, register databases by tag, add links and watch them complete."""
