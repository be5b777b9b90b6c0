import ArgumentParser
import Foundation
import ZeroMQTransport

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "CURVE key pairs, by which a coordinator and its peers know each other.",
        subcommands: [New.self, Show.self], defaultSubcommand: nil)

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key pair: FILE (secret, readable by you alone) and FILE.pub.")

        @Argument(help: ArgumentHelp("The file for the pair.", valueName: "file"))
        var file: String

        func run() throws {
            guard !FileManager.default.fileExists(atPath: file) else {
                throw ValidationError("\(file) exists; a key is never overwritten")
            }
            let pair = try CurveKeyPair.generate()
            try KeyFile.writeNew(pair, to: file)
            print(pair.publicKey.z85)
            Terminal.note(
                "Add this line to the coordinator's allowed-keys, followed by a name (or append \(file).pub), and restart it."
            )
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the public key of a key file.")

        @Argument(help: ArgumentHelp("A key pair or a public key.", valueName: "file"))
        var file: String

        func run() throws { print(try KeyFile.readPublicKey(file).z85) }
    }
}
