import ArgumentParser
import Foundation
import HTTPGateway
import SystemErrors

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Tokens, by which clients of the HTTP API on another machine are let in.",
        discussion: """
            Example:
              orchestrion tokens new --state DIR --role editor anna
              curl -H "Authorization: Bearer TOKEN" http://HOST:8080/api/v1/songs
            The file has digests, not tokens. A gateway that runs takes changes up within a second or two.
            """,
        subcommands: [New.self, List.self, Remove.self], defaultSubcommand: nil)

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it: this is the only time that it is shown.")

        @OptionGroup var file: TokenFileOptions

        @Argument(help: "Who that is, for people.")
        var name: String

        @Option(
            help: ArgumentHelp(
                "What the token's holder may do: viewer (see and hear everything), editor (submit, end and remove songs, "
                    + "too), admin (release machines, too).", valueName: "role"))
        var role = TokenRole.editor

        func validate() throws {
            guard TokenList.isName(name) else { throw ValidationError("a name is 1 to 64 signs of ASCII") }
        }

        func run() throws {
            PrivateFiles.begin()
            var list = try file.list(mayBeMissing: true)
            guard !list.entries.contains(where: { $0.name == name }) else {
                throw CommandError("\(file.path) has a token of \(name); orchestrion tokens remove takes it away")
            }
            let token = TokenList.makeToken()
            list.add(TokenList.Entry(token: token, role: role, name: name))
            try OutputFile.replace(file.path, with: list.text)
            print(token)
            Terminal.note("\(name) is let in as \(role.rawValue) with Authorization: Bearer \(token)")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print names and roles.")

        @OptionGroup var file: TokenFileOptions

        func run() throws {
            let list = try file.list(mayBeMissing: false)
            for fault in list.faults { Terminal.note("warning: \(fault); the other lines count") }
            for entry in list.entries { print("\(entry.role.rawValue) \(entry.name)") }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a token's holder in no more.")

        @OptionGroup var file: TokenFileOptions

        @Argument(help: "Whose it is.")
        var name: String

        func run() throws {
            var list = try file.list(mayBeMissing: false)
            guard list.remove(name: name) else {
                throw CommandError("\(file.path) has no token of \(name); orchestrion tokens list prints whose it has")
            }
            try OutputFile.replace(file.path, with: list.text)
            Terminal.note("\(name) is not let in any more")
        }
    }
}

/// Which file of tokens.
struct TokenFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The state folder of a coordinator with --http: its http-tokens.", valueName: "dir"))
    var state: String?

    @Option(help: ArgumentHelp("The file that a gateway is given with --tokens.", valueName: "file"))
    var file: String?

    func validate() throws {
        guard (state == nil) != (file == nil) else {
            throw ValidationError("name the file of tokens: --state DIR, or --file FILE")
        }
    }

    var path: String { file ?? HTTPOptions.tokens(inState: state ?? ".") }

    func list(mayBeMissing: Bool) throws -> TokenList {
        guard FileManager.default.fileExists(atPath: path) else {
            guard mayBeMissing else { throw CommandError("there is no \(path); orchestrion tokens new makes it") }
            if let state { try OutputFolder.make(state) }
            return TokenList(text: "", source: path)
        }
        return try TokenFile.read(path)
    }
}

extension TokenRole: ExpressibleByArgument {}
