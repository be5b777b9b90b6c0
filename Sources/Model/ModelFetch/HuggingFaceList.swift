/// What Hugging Face's API says of a repository (`/api/models/OWNER/NAME?blobs=true`), as far as it is used.
struct HuggingFaceList: Decodable {
    struct LargeFile: Decodable {
        var sha256: String?
        var size: Int?
    }
    struct Sibling: Decodable {
        var rfilename: String
        var size: Int?
        var lfs: LargeFile?
    }
    struct Card: Decodable {
        var license: String?

        private enum CodingKeys: CodingKey { case license }

        /// What is no single word is left to the page.
        init(from decoder: any Decoder) throws {
            license = try? decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .license)
        }
    }

    var sha: String?
    var siblings: [Sibling]
    var cardData: Card?

    /// The state that was listed, so that files which change meanwhile do not mix.
    var revision: String {
        guard let sha, sha.wholeMatch(of: /[0-9a-f]{40}/) != nil else { return "main" }
        return sha
    }

    /// A file with the licence's text.
    var licenceFile: String? {
        ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md"].first { name in
            siblings.contains { $0.rfilename == name }
        }
    }

    func statedLicence(_ root: WebAddress, _ repository: String) -> String {
        let word = cardData?.license.map { $0.filter { $0.isASCII && !$0.isNewline }.prefix(60) }
        return word.map { "the page \(root)/\(repository) says: \($0)" } ?? "see the page \(root)/\(repository)"
    }

    /// The files that a model needs: its configuration, one form of its weights, its lists of names.
    ///
    /// - Throws: `FetchError` when they are not there.
    func files(of repository: String, in folder: WebAddress) throws -> [RemoteFile] {
        let all = Dictionary(siblings.filter { RemoteFile.isName($0.rfilename) }.map { ($0.rfilename, $0) }) { $1 }
        guard all.count <= 10_000, all["config.json"] != nil else {
            throw FetchError("\(repository) has no config.json: it is no model in the form of transformers")
        }
        let shards = /(?:model|pytorch_model)-\d{1,5}-of-\d{1,5}\.(?:safetensors|bin)/
        let forms = [
            ("model.safetensors", "model-", "safetensors"), ("pytorch_model.bin", "pytorch_model-", "bin"),
        ]
        var names: [String] = []
        for (single, prefix, ending) in forms where names.isEmpty {
            let index = single + ".index.json"
            if all[single] != nil {
                names = [single]
            } else if all[index] != nil {
                let parts = all.keys.filter {
                    $0.hasPrefix(prefix) && $0.hasSuffix(ending) && $0.wholeMatch(of: shards) != nil
                }
                names = [index] + parts.sorted()
            }
        }
        guard !names.isEmpty else {
            throw FetchError(
                "\(repository) has neither model.safetensors nor pytorch_model.bin, in one piece or with an index")
        }
        let texts = ["config.json", "artists.json", "genres.json", "lyrics.json"].filter { all[$0] != nil }
        return try (texts + names).map { name in
            let said = all[name]
            let isText = name.hasSuffix(".json")
            let digest = said?.lfs?.sha256.flatMap { $0.wholeMatch(of: /[0-9a-f]{64}/) == nil ? nil : $0 }
            return RemoteFile(
                name: name, address: try folder.appending(name), kind: isText ? .text : .weights,
                bytes: (said?.lfs?.size ?? said?.size).flatMap { $0 > 0 ? $0 : nil }, sha256: digest)
        }
    }
}
