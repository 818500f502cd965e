"""The parts of a stack's configuration, a module for each thing that it says; `stack_settings.load` reads the whole."""
