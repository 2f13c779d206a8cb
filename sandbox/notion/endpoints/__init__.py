"""The operations of the API with their routes, one module per kind of thing; also OAuth and the controls of tests."""
