"""Social Video Processor: the pipeline from a pending row in Notion to a finished page."""
