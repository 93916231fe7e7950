import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;

/** What Lucene itself makes of texts; README.md says how to run it. Texts come as one JSON string a line. */
public final class Oracle {
  private record Token(String term, int start, int end) {}

  private static final Analyzer ENGLISH = new EnglishAnalyzer();
  private static final Analyzer STANDARD =
      new Analyzer() {
        @Override
        protected TokenStreamComponents createComponents(String field) {
          return new TokenStreamComponents(new StandardTokenizer());
        }
      };

  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  public static void main(String[] arguments) throws Exception {
    switch (String.join(" ", arguments)) {
      case "tokens" -> tokens();
      case "digest" -> digest();
      case "code-points" -> codePoints();
      default -> {
        System.err.println("usage: Oracle tokens | digest | code-points");
        System.exit(2);
      }
    }
    OUT.flush();
  }

  /** One line a text: [text, places of StandardTokenizer's tokens, English terms, places of their tokens]. */
  private static void tokens() throws IOException {
    BufferedReader in = input();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String text = parsed(line);
      List<Token> english = analysed(ENGLISH, text);
      String terms = english.stream().map(token -> quoted(token.term)).collect(Collectors.joining(","));
      OUT.println(
          "[" + quoted(text) + "," + places(analysed(STANDARD, text)) + ",[" + terms + "]," + places(english) + "]");
    }
  }

  /** How many texts and tokens, and the SHA-256 of all tokens with their places, for either analysis. */
  private static void digest() throws Exception {
    Digest english = new Digest();
    Digest standard = new Digest();
    int texts = 0;
    BufferedReader in = input();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String text = parsed(line);
      texts++;
      english.add(analysed(ENGLISH, text));
      standard.add(analysed(STANDARD, text));
    }
    OUT.println("{\"texts\":" + texts + ",\"english\":" + english + ",\"standard\":" + standard + "}");
  }

  /** Tokens written as `term TAB start TAB end LF` and an LF after each text, in UTF-16, little endian. */
  private static final class Digest {
    private final MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    private long tokens;

    Digest() throws Exception {}

    void add(List<Token> text) {
      StringBuilder out = new StringBuilder();
      for (Token token : text) {
        out.append(token.term).append('\t').append(token.start).append('\t').append(token.end).append('\n');
      }
      out.append('\n');
      byte[] bytes = new byte[out.length() * 2];
      for (int i = 0; i < out.length(); i++) {
        bytes[2 * i] = (byte) out.charAt(i);
        bytes[2 * i + 1] = (byte) (out.charAt(i) >> 8);
      }
      sha256.update(bytes);
      tokens += text.size();
    }

    @Override
    public String toString() {
      return "{\"tokens\":" + tokens + ",\"sha256\":\"" + HexFormat.of().formatHex(sha256.digest()) + "\"}";
    }
  }

  /** Surroundings for every code point, which stands where the {@code @} are. Together they tell all classes apart. */
  private static final String PROBES =
      "@\na@b\n1@2\n@@\n@a\n@1\n\u05d0@\u05d1\n\u05d0@ \u30a2@\u30a2\n_@_\na_@\n@\ufe0f\u20e3\n@\ufe0e\u20e3\n"
          + "@\u200d@\n\u261d@\n@\ud83c\udffb\n\u0e01@\u0e01\n\ud83c\udde6@\n\u261d@\udb40\udc7f\n"
          + "\u261d\udb40\udc61@\n\u261d\ufe0f@\udb40\udc7f\n\u261d\ufe0f\udb40\udc61@\n\u261d@\u261d\n"
          + "a:@\n@:a\n1,@\n@,1\n#@\n@'\n@\u200d\u261d\n";

  /**
   * How StandardTokenizer cuts {@link #PROBES} for every code point: the distinct outcomes, and the first code point
   * of each run with the number of its outcome; then every lower-case mapping of the Java runtime.
   */
  private static void codePoints() throws IOException {
    Map<String, Integer> outcomes = new LinkedHashMap<>();
    List<String> runs = new ArrayList<>();
    List<String> lower = new ArrayList<>();
    int previous = -1;
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      String outcome = places(analysed(STANDARD, PROBES.replace("@", Character.toString(c))));
      int number = outcomes.computeIfAbsent(outcome, key -> outcomes.size());
      if (number != previous) {
        runs.add("[" + c + "," + number + "]");
      }
      previous = number;
      if (Character.toLowerCase(c) != c) {
        lower.add("[" + c + "," + Character.toLowerCase(c) + "]");
      }
    }
    OUT.println("{\"probes\":" + quoted(PROBES) + ",");
    OUT.println("\"outcomes\":[\n" + String.join(",\n", outcomes.keySet()) + "],");
    OUT.println("\"runs\":[" + String.join(",", runs) + "],");
    OUT.println("\"lower\":[" + String.join(",", lower) + "]}");
  }

  private static BufferedReader input() {
    return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  }

  private static List<Token> analysed(Analyzer analyzer, String text) throws IOException {
    List<Token> tokens = new ArrayList<>();
    try (TokenStream stream = analyzer.tokenStream("text", text)) {
      CharTermAttribute term = stream.getAttribute(CharTermAttribute.class);
      OffsetAttribute place = stream.getAttribute(OffsetAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        tokens.add(new Token(term.toString(), place.startOffset(), place.endOffset()));
      }
      stream.end();
    }
    return tokens;
  }

  private static String places(List<Token> tokens) {
    return tokens.stream()
        .map(token -> token.start + "," + token.end)
        .collect(Collectors.joining(",", "[", "]"));
  }

  /** The text that a JSON string stands for. */
  private static String parsed(String json) {
    StringBuilder text = new StringBuilder();
    for (int i = 1; i < json.length() - 1; i++) {
      char c = json.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      c = json.charAt(++i);
      switch (c) {
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'u' -> {
          text.append((char) Integer.parseInt(json.substring(i + 1, i + 5), 16));
          i += 4;
        }
        default -> text.append(c);
      }
    }
    return text.toString();
  }

  /** A JSON string; surrogates without a partner and controls are escaped. */
  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              if (c == '"' || c == '\\') {
                json.append('\\').append((char) c);
              } else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000)) {
                json.append(String.format("\\u%04x", c));
              } else {
                json.appendCodePoint(c);
              }
            });
    return json.append('"').toString();
  }
}
