"""Plain functions over a connection, one file a subject. They return model values and never commit."""
