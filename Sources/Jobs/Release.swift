/// The version of the program, as `--version`, the manual and every manifest say it.
public let programVersion = "0.1.0"
