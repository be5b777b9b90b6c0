/// Guesses what a file is that is no checkpoint, so that the message can say what to do.
enum FileKind {
    static func isKnown(_ bytes: UnsafeRawBufferPointer) -> Bool { known(bytes) != nil }

    static func describe(_ bytes: UnsafeRawBufferPointer) -> String {
        known(bytes)
            ?? "is of an unknown format; a torch.save file (legacy or zip) or safetensors is expected"
    }

    /// What a file is that is neither a checkpoint nor a text of ours; goes on after its name.
    static func known(_ bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
            return
                "is a real tar archive: unpack it and use the file inside (published *.pth.tar files are no "
                + "tars, and torch's own tar format of 2017 is not read: load and save it again with a newer "
                + "torch)"
        }
        if let packer = packers.first(where: { bytes.starts(with: $0.start) }) {
            return "is compressed with \(packer.name): unpack it first"
        }
        if let other = others.first(where: { bytes.starts(with: $0.start.utf8) }) { return other.what }
        if bytes.dropFirst().starts(with: "NUMPY".utf8) { return "is an array of numpy: \(published)" }
        if bytes.dropFirst(4).starts(with: "TFL3".utf8) { return "is a model of TensorFlow: \(published)" }
        if SafetensorsFile.matches(bytes) { return nil }
        if isWebPage(bytes) {
            return "is a web page, not a checkpoint: the download failed, repeat it (with the address of the file "
                + "itself, and signed in where that is asked for)"
        }
        if let answer = serverAnswer(bytes) { return answer }
        if bytes.first == 0x80, let version = bytes.dropFirst().first, (2...5).contains(version) {
            return "is a pickle, but neither of torch.save's formats"
        }
        // A disk's or a download's room that was never filled.
        if bytes.count >= 64, bytes.prefix(4096).allSatisfy({ $0 == 0 }) {
            return "begins with nothing but zeros: the download was not finished, repeat it"
        }
        return nil
    }

    /// HTML, or XML as storage services answer with.
    static func isWebPage(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = bytes.prefix(1024)
        if start.starts(with: [0xEF, 0xBB, 0xBF]) { start = start.dropFirst(3) }
        start = start.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let text = String(decoding: start.prefix(64), as: UTF8.self).lowercased()
        return ["<!doctype html", "<html", "<head", "<body", "<!--", "<?xml", "<error>"].contains { text.hasPrefix($0) }
    }

    /// What a server says instead of a file.
    private static func serverAnswer(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count < 4096 else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        let answers = [
            "Entry not found", "Repository not found", "Invalid username or password", "Access to model", "Not Found",
            "404", "403", "Access denied", #"{"error""#, #"{"message""#,
        ]
        guard answers.contains(where: { text.hasPrefix($0) }) else { return nil }
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        return "is a server's answer, \"\(line.prefix(80))\": the download failed, repeat it"
    }

    private static let published =
        "Orchestrion reads OpenAI's files, the Hugging Face form (safetensors or pytorch_model.bin) and its own safetensors"

    private static let packers: [(start: [UInt8], name: String)] = [
        ([0x1F, 0x8B], "gzip"), ([0x42, 0x5A, 0x68], "bzip2"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0x37, 0x7A, 0xBC, 0xAF], "7-Zip"), ([0x52, 0x61, 0x72, 0x21], "RAR"),
    ]

    private static let others: [(start: String, what: String)] = [
        ("version https://git-lfs", "is a Git LFS pointer, not the file itself: fetch the content with `git lfs pull`"),
        ("GGUF", "is a GGUF file, which other programs' models come in: \(published)"),
        ("GGML", "is a GGML file, which other programs' models come in: \(published)"),
        ("ggml", "is a GGML file, which other programs' models come in: \(published)"),
        ("lmgg", "is a GGML file, which other programs' models come in: \(published)"),
        ("\u{8}\u{8}\u{12}", "is probably an ONNX model: \(published)"),
        ("\u{8}\u{7}\u{12}", "is probably an ONNX model: \(published)"),
        ("\u{8}\u{9}\u{12}", "is probably an ONNX model: \(published)"),
        ("\u{8}\u{A}\u{12}", "is probably an ONNX model: \(published)"),
        ("%PDF", "is a PDF, not a checkpoint"),
    ]
}
