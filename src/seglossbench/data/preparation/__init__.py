"""How a raw case becomes what a network sees, each once, in a store on disk."""
