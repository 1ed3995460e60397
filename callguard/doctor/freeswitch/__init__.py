"""Is a site on FreeSWITCH as it has to be."""
