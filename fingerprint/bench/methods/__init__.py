"""The methods that come with the bench, one file each."""
