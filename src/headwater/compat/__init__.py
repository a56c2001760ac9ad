"""Other systems' languages, translated to the store's; they know nothing of each other."""
