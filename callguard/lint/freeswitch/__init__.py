"""FreeSWITCH's XML, looked through as text: dialplan, configuration, directory, dumps of FusionPBX."""
