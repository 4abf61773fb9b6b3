"""The commands of siglip bulk, a module each: HELP, add_arguments, execute."""
