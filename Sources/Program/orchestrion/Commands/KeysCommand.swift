import ArgumentParser
import ClusterProtocol
import Foundation
import SystemErrors
import ZeroMQTransport

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "CURVE key pairs, by which a coordinator and its peers know each other.",
        discussion: """
            On each machine:       orchestrion keys new me.key
            At the coordinator's:  orchestrion keys allow --state DIR me.key.pub --name NAME
            Keys have characters that a shell takes for its own: name files, or put a key in single quotes.
            """,
        subcommands: [New.self, Show.self, Allow.self, List.self, Remove.self], defaultSubcommand: nil)

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
                """
                Copy \(file).pub to the coordinator's machine, and run there:
                  orchestrion keys allow --state DIR \(file).pub --name NAME
                A coordinator that runs takes it up within a second or two.
                """)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key of a key file.",
            discussion: "Standard error has the line for allowed-keys, and where the public half is.")

        @Argument(
            help: ArgumentHelp(
                "A key pair or a public key (default: the key of the kept connection, as worker and status use it).",
                valueName: "file"))
        var file: String?

        func run() throws {
            let file = try self.file ?? Self.ownKey()
            let key = try KeyFile.readPublicKey(file)
            print(key.z85)
            let half = file.hasSuffix(".pub") ? file : "\(file).pub"
            let hasHalf = FileManager.default.fileExists(atPath: half)
            Terminal.note(
                """
                for allowed-keys:  \(key.z85) NAME
                for a shell:       orchestrion keys allow --state DIR '\(key.z85)' --name NAME
                public half:       \(hasHalf ? half : "there is no \(half); the line above says the same")
                """)
        }

        private static func ownKey() throws -> String {
            guard let key = try ConnectionOptions.settings().key else {
                throw ValidationError("name a key file; orchestrion keys new FILE makes one")
            }
            return key
        }
    }

    struct Allow: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a worker or a client in: add its public key to a coordinator's list.",
            discussion: """
                Makes the state folder and the coordinator's own key pair when they are not there yet. A coordinator \
                that runs takes the change up within a second or two, and logs it. A key without a \
                role is an admin's, as all are in lists of earlier releases.
                """)

        @OptionGroup var list: KeyListOptions

        @Argument(help: ArgumentHelp("A public key's file, or the key in single quotes.", valueName: "file|key"))
        var key: String

        @Option(help: ArgumentHelp("Who that is, for people.", valueName: "name"))
        var name: String?

        @Option(
            help: ArgumentHelp(
                "What the key's holder may do: worker (sample windows), client (submit songs, and see, fetch and cancel its "
                    + "own), admin (everything, with everybody's songs), or worker,client.", valueName: "role"))
        var role = "admin"

        func validate() throws {
            guard PeerRoles(role) != nil else {
                throw ValidationError("--role \(role) is none; it is worker, client, admin, or worker,client")
            }
            if let name, name.hasPrefix("role=") { throw ValidationError("a name cannot begin with role=") }
            if let name, name.isEmpty || name.contains(where: \.isNewline) {
                throw ValidationError("--name must be one line")
            }
        }

        func run() throws {
            let key = try KeyListOptions.publicKey(key)
            try list.prepareState()
            let entry = AllowList.Entry(key: key, name: name, roles: PeerRoles(role) ?? .admin)
            if let known = try list.file.add(entry) {
                Terminal.note("\(known.line) is allowed already")
                if known.roles != entry.roles {
                    throw CommandError(
                        "its role stays \(known.roles.text); orchestrion keys remove it first to give it another")
                }
                if let name, name != known.name {
                    Terminal.note("its name stays as it is; orchestrion keys remove it first to give it another")
                }
            } else {
                Terminal.note(
                    "\(key)\(name.map { " (\($0))" } ?? "") is allowed as \(entry.roles.text) in \(list.file.path)")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the keys that a coordinator lets in.")

        @OptionGroup var list: KeyListOptions

        func run() throws {
            guard FileManager.default.fileExists(atPath: list.file.path) else {
                throw CommandError("there is no list \(list.file.path); orchestrion keys allow makes one")
            }
            let allowed = try list.file.read()
            for fault in allowed.faults { Terminal.note("warning: \(fault); the other lines count") }
            for entry in allowed.entries { print(entry.line) }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a key off a coordinator's list; who has it is hung up on.")

        @OptionGroup var list: KeyListOptions

        @Argument(
            help: ArgumentHelp(
                "A public key's file, the key in single quotes, or its name on the list.", valueName: "file|key|name"))
        var key: String

        func run() throws {
            let named = try list.file.read().entries.filter { $0.name == key }.map(\.key)
                .reduce(into: [CurvePublicKey]()) { if !$0.contains($1) { $0.append($1) } }
            let isKey = FileManager.default.fileExists(atPath: key) || ConnectionOptions.isKey(key)
            guard !named.isEmpty || isKey else {
                throw CommandError(
                    "nobody on \(list.file.path) is called \(key), and it is no key and no file; orchestrion keys list "
                        + "prints who is")
            }
            let keys = named.isEmpty ? [try KeyListOptions.publicKey(key)] : named
            for key in keys {
                guard try list.file.remove(key) else {
                    throw CommandError("\(key) is not in \(list.file.path); orchestrion keys list prints what is")
                }
                Terminal.note("\(key) is not allowed any more")
            }
        }
    }
}

/// Which list of keys.
struct KeyListOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The coordinator's state folder, with allowed-keys in it.", valueName: "dir"))
    var state: String?

    @Option(help: ArgumentHelp("The list, where the coordinator was given one with --allow.", valueName: "file"))
    var allow: String?

    func validate() throws {
        guard (state == nil) != (allow == nil) else {
            throw ValidationError("name the coordinator's list: --state DIR, or --allow FILE")
        }
    }

    var file: AllowListFile { AllowListFile(path: allow ?? Self.list(inState: state ?? ".")) }

    static func list(inState folder: String) -> String { "\(folder)/allowed-keys" }
    static func coordinatorKey(inState folder: String) -> String { "\(folder)/coordinator.key" }

    /// Makes the folder and the coordinator's own key, so that both may be used before its first start.
    func prepareState() throws {
        guard let state else { return }
        PrivateFiles.begin()
        try OutputFolder.make(state)
        let key = Self.coordinatorKey(inState: state)
        guard !FileManager.default.fileExists(atPath: key) else { return }
        try Self.makeCoordinatorKey(key)
        Terminal.note("made the coordinator's key; its peers need \(key).pub (--server-key)")
    }

    /// Makes a coordinator's key pair.
    ///
    /// - Throws: `CommandError` where only its public half is left: peers would look for that in vain.
    static func makeCoordinatorKey(_ file: String) throws {
        guard !FileManager.default.fileExists(atPath: "\(file).pub") else {
            throw CommandError(
                "\(file) is gone, and its public half \(file).pub is there, by which workers and clients know this coordinator. "
                    + "Put the file back from a copy. If there is none, remove \(file).pub: then a new pair is made, and all "
                    + "peers need the new \(file).pub (--server-key)")
        }
        try KeyFile.writeNew(CurveKeyPair.generate(), to: file)
    }

    /// - Parameter text: a file or a key.
    static func publicKey(_ text: String) throws -> CurvePublicKey {
        if FileManager.default.fileExists(atPath: text) { return try KeyFile.readPublicKey(text) }
        do {
            return try CurvePublicKey(z85: text)
        } catch {
            throw CommandError("there is no file \(text), and it is no key: \(error)")
        }
    }
}
