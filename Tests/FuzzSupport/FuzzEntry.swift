import ModelTestSupport

/// The places where bytes of others come in, by what the bytes are meant to be.
package enum FuzzEntry: String, CaseIterable, Sendable {
    /// Messages, both ways, and the seal.
    case wire
    /// What libzmq asks of the coordinator before anybody is let in.
    case zap
    /// A list of allowed keys.
    case allowlist
    /// A file of one key or of a pair.
    case key
    /// A pickle, inside a torch file.
    case pickle
    /// A torch file: legacy or zip.
    case torch
    case safetensors
    case codes
    /// JSON as such.
    case json
    /// A model's `hparams.json`.
    case hparams
    /// A model's `config.json`, of Hugging Face.
    case config
    /// A request for a song, and `song.json`.
    case song
    case audio
    /// What a coordinator that runs is sent.
    case coordinator

    /// Whether the bytes mean something.
    package enum Outcome: Sendable, Hashable {
        case taken
        case refused
    }

    /// Takes one input in as the product would.
    ///
    /// - Returns: what came of it.
    /// - Throws: `BrokenPromise` when the error is of the wrong kind or says what it must not.
    package func feed(_ bytes: [UInt8]) throws -> Outcome {
        switch self {
        case .wire: WireInputs.messages(bytes)
        case .zap: try DoorInputs.zap(bytes)
        case .allowlist: try DoorInputs.allowList(bytes)
        case .key: try DoorInputs.key(bytes)
        case .pickle: try FileInputs.torch(TorchWrapping.legacy(bytes))
        case .torch: try FileInputs.torch(bytes)
        case .safetensors: try FileInputs.safetensors(bytes)
        case .codes: try FileInputs.codes(bytes)
        case .json: try TextInputs.json(bytes)
        case .hparams: try ModelInputs.hyperparameters(bytes)
        case .config: try ModelInputs.configuration(bytes)
        case .song: try TextInputs.song(bytes)
        case .audio: try AudioInputs.recording(bytes)
        case .coordinator: try CoordinatorInputs.shared.feed(bytes)
        }
    }

    /// Words that mutations put in: what random bytes hardly ever become.
    package var words: [[UInt8]] {
        switch self {
        case .wire, .coordinator: [[0xD1, 0x05], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x80, 0x00]]
        case .zap: ["1.0", "CURVE", "NULL", "PLAIN", "orchestrion"].map { Array($0.utf8) }
        case .allowlist, .key:
            ["public-key = ", "secret-key = ", "role=worker", "role=admin,client", "# ", "\n", "\u{FEFF}", "\r\n"]
                .map { Array($0.utf8) }
        case .pickle, .torch:
            [[0x80, 2], [0x8A, 10], [0x28], [0x2E], [0x51], [0x52], [0x71, 0], [0x68, 0], [0x85], [0x86], [0x87]]
                + [
                    "ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n",
                    "PK",
                ]
                .map { Array($0.utf8) }
        case .safetensors, .codes:
            [#""dtype":"F32""#, #""shape":[]"#, #""data_offsets":[0,4]"#, #""__metadata__":{}"#, #""z0":"#]
                .map { Array($0.utf8) } + [[0, 0, 0, 0, 0, 0, 0, 0x80]]
        case .json, .hparams, .config, .song:
            [
                "{}", "[]", "null", "1e308", "-1", "9223372036854775807", "\"\\u0000\"", "\"\\ud800\"", "true", "[[[[",
                ",",
            ]
            .map { Array($0.utf8) }
        case .audio:
            ["RIFF", "RF64", "data", "fmt ", "LIST", "fLaC", "OggS", "ID3", "vorbis", "FORM", "TAG"].map {
                Array($0.utf8)
            }
                + [[0xFF, 0xFB, 0x90, 0], [0xFF, 0xF8], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0]]
        }
    }
}

/// An input that was taken in otherwise than promised.
package struct BrokenPromise: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// Runs `body`; what it throws must be of the kind `Failure`, short and without control characters.
func refusing<Failure: Error>(_ kind: Failure.Type, _ body: () throws -> Void) throws -> FuzzEntry.Outcome {
    do {
        try body()
        return .taken
    } catch let error as Failure {
        let text = "\(error)"
        guard !text.isEmpty, text.utf8.count <= 10_000 else {
            throw BrokenPromise("an error of \(text.utf8.count) bytes")
        }
        return .refused
    } catch {
        throw BrokenPromise("\(type(of: error)) instead of \(kind): \(error)")
    }
}
