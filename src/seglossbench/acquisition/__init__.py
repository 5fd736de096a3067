"""From a dataset's name to its raw folder: a catalogue of public datasets, their licences and the ways to get them."""
