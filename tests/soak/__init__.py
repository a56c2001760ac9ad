"""Does a server that is loaded for long keep its memory flat?"""
