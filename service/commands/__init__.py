"""Commands of the command line that work on what a service keeps."""
