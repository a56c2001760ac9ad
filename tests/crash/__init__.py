"""The crash proof: a mixed workload is killed at random moments, and nothing acknowledged is ever missing."""
