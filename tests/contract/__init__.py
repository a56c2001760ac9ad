"""What every store does, whatever it stands on."""
