import Foundation

/// What people give instead of a model's folder, and what to do about it.
package enum ModelPlace {
    /// Why there can be no model at a path; nil when there is a folder.
    package static func problem(_ path: String) -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return "there is no such folder; a model's folder is expected" + (origin(of: path).map { ". \($0)" } ?? "")
        }
        if isFolder.boolValue { return nil }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return "is a file, not a folder; a model is the folder that its files are in, such as \(folder)"
    }

    /// How a model that is not here is had, when its name says so.
    package static func origin(of name: String) -> String? {
        if name.hasPrefix("~") { return "The shell did not replace ~; write the whole path" }
        if let place = name.firstRange(of: "://") {
            let address = name[place.upperBound...]
            if address.hasPrefix("huggingface.co/") || address.hasPrefix("hf.co/") {
                let words = address.split(separator: "/").dropFirst().prefix(2)
                if words.count == 2 { return download(words.joined(separator: "/")) }
            }
            return "That is an address: download the model's files into a folder, and give that"
        }
        let words = name.split(separator: "/", omittingEmptySubsequences: false)
        if let published = addresses[name] { return published }
        guard words.count == 2, words.allSatisfy({ $0.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil }),
            !FileManager.default.fileExists(atPath: String(words[0]))
        else { return nil }
        return download(name)
    }

    private static func download(_ name: String) -> String {
        let folder = name.split(separator: "/").last ?? "model"
        return
            "Models of Hugging Face are fetched first: orchestrion model fetch hf:\(name) \(folder), then give the folder "
            + "\(folder)"
    }

    /// The published models, which `model fetch` brings.
    private static let addresses = Dictionary(
        uniqueKeysWithValues: ["5b", "5b_lyrics", "1b_lyrics"].map { name in
            (name, "orchestrion model fetch \(name) \(name) brings OpenAI's files into the folder \(name)")
        })

    // MARK: the original's cache

    /// The folder with what the original's cache keeps once for all models; nil for folders that are not of it.
    static func neighbour(of path: String) -> String? {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        guard ["1b_lyrics", "5b_lyrics"].contains(url.lastPathComponent) else { return nil }
        let neighbour = url.deletingLastPathComponent().appendingPathComponent("5b").path
        return FileManager.default.fileExists(atPath: neighbour) ? neighbour : nil
    }

    private static func hint(missing part: ModelPart, _ path: String) -> String? {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let (name, parent) = (url.lastPathComponent, url.deletingLastPathComponent())
        if ["1b_lyrics", "5b_lyrics"].contains(name), part != .prior(level: 2) {
            return
                "\(name) has its VQ-VAE and upsamplers in common with 5b: put \(part).pth.tar of 5b here, or the folder "
                + "5b beside \(name)"
        }
        guard name == "5b", part == .prior(level: 2) else { return nil }
        let tops = ["1b_lyrics", "5b_lyrics"].map { parent.appendingPathComponent($0).path }.filter { top in
            (try? entries(of: top))?.contains { $0.hasPrefix("prior_level_2.") } == true
        }
        return tops.isEmpty ? nil : "a top level is in \(tops.joined(separator: " and in ")): give that folder"
    }

    // MARK: what lies there instead

    static func entries(of path: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw CheckpointError(
                .missing, path, "is not a folder that can be read; a model's folder is expected")
        }
    }

    private static let unfinished = [".crdownload", ".part", ".partial", ".download", ".incomplete", ".aria2", ".tmp"]

    /// Files that models come in, and are taken for one.
    private static let kinds = [
        ".zip", ".tar", ".gz", ".tgz", ".xz", ".7z", ".rar", ".gguf", ".ggml", ".onnx", ".ckpt", ".h5", ".bin", ".pt",
        ".pth", ".npz", ".msgpack", ".safetensors",
    ]

    /// What to do about a folder that lacks a model, or a part of one.
    ///
    /// - Parameter isModel: whether a folder holds a model; asked for those inside.
    static func hints(_ path: String, missing part: ModelPart? = nil, isModel: (String) -> Bool = { _ in false })
        -> String
    {
        let all = ((try? entries(of: path)) ?? []).sorted()
        let names = part.map { part in all.filter { $0.hasPrefix("\(part)") } } ?? all
        var hints = part.flatMap { hint(missing: $0, path) }.map { [$0] } ?? []
        hints += names.filter { name in unfinished.contains { name.hasSuffix($0) } }.prefix(3).map {
            "\($0) is an unfinished download: let it end, or start it again"
        }
        hints += names.filter { name in kinds.contains { name.lowercased().hasSuffix($0) } }.prefix(3).map { name in
            let kind = (try? MappedFile(path: "\(path)/\(name)")).flatMap { file in FileKind.known(file.bytes) }
            if kind == nil, name.lowercased().hasSuffix(".zip") { return "\(name) is a zip: unpack it" }
            return "\(name) \(kind ?? "is there, under a name that no model's file has")"
        }
        let inside = folders(in: path, depth: 3).filter(isModel).prefix(4)
        if !inside.isEmpty { hints.append("give the folder of the model: \(inside.joined(separator: ", or "))") }
        return hints.map { "; \($0)" }.joined()
    }

    /// Folders inside, nearest first; few, because this only helps a message.
    private static func folders(in path: String, depth: Int) -> [String] {
        var (found, layer) = ([String](), [path])
        for _ in 0..<depth {
            layer = layer.prefix(64).flatMap { folder in
                ((try? entries(of: folder)) ?? []).sorted().prefix(64).map { "\(folder)/\($0)" }.filter(isFolder)
            }
            found += layer
            if found.count > 256 { break }
        }
        return found
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
