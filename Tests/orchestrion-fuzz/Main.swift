import ArgumentParser
import Foundation

/// Feeds the places where bytes of others come in.
@main struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrion-fuzz",
        abstract: "Feed the places where bytes of others come in, and look whether they keep their promises.",
        discussion: """
            For example, ten million changed messages at the decoder, then three hundred recordings, each read by a \
            process of its own with 2 s and 256 MiB:

              orchestrion-fuzz mutate wire --inputs 10000000
              orchestrion-fuzz mutate audio --inputs 300 --apart

            What breaks a promise is written to ./findings and named. Scripts/fuzz also searches with libFuzzer.
            """,
        subcommands: [Mutate.self, One.self, Messages.self, Search.self])
}

extension String {
    /// To the standard error output, whose lines are read while the program runs.
    func tell() { FileHandle.standardError.write(Data((self + "\n").utf8)) }
}
